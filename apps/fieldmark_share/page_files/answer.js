// A prediction in words: fieldmark_widgets/answer.py, with its sentences.

const RIVAL_PROB = 0.1;

function sayAnswer(name, prediction, facts) {
  const words = facts.answer;
  const ranked = facts.vocab.map((label, i) => [label, prediction.probs[i]]).sort((a, b) => b[1] - a[1]);
  const bars = ranked.map(([label, prob]) => ({ label: sayLabel(label), prob, percent: sayPercent(prob), value: label }));
  const verdict = prediction.verdict === "familiar" && prediction.familiarity_p === null ? "clear" : prediction.verdict;
  const said = verdict === "unsure" ? sayUnsure(ranked, words) : saySure(verdict, bars[0].label, words);
  const announcement = fill(words.announce, { name, label: said.title, percent: bars[0].percent, verdict: words[verdict], text: said.text });
  return { ...said, verdict, word: words[verdict], bars, announcement };
}

function sayFailure(name, code, facts) {
  const words = facts.answer, { title, text } = facts.failures[code] ?? facts.failures.unexpected;
  const announcement = fill(words.announce_failed, { name, title, text });
  return { intro: name, title, verdict: "failed", word: words.failed, text, bars: [], announcement };
}

function saySure(verdict, title, words) {
  const intro = verdict === "unfamiliar" ? words.closest : withArticle(words.this_looks_like, title);
  return { intro, title, text: words[`${verdict}_text`] };
}

function sayUnsure([[label, prob], second], words) {
  const first = sayLabel(label), percent = sayPercent(prob), intro = withArticle(words.this_could_be, first);
  if (!second || second[1] < RIVAL_PROB) return { intro, title: `${first}?`, text: fill(words.unsure_alone_text, { first, p_first: percent }) };
  const rival = spaced(second[0]);
  const text = fill(words.unsure_text, { first, p_first: percent, second: rival, p_second: sayPercent(second[1]) });
  return { intro, title: fill(words.or, { first, second: rival }), text };
}

function sayLabel(label) {
  const words = spaced(label), [first = ""] = words;
  return first.toUpperCase() + words.slice(first.length);
}

function spaced(label) {
  return label.replaceAll("_", " ").trim() || label;
}

function sayPercent(prob) {
  if (prob > 0 && prob < 0.005) return "<\u202f1\u202f%";
  if (prob >= 0.995 && prob < 1) return ">\u202f99\u202f%";
  return `${roundHalfEven(prob * 100)}\u202f%`;
}

function withArticle(start, label) {
  const plural = label.endsWith("s") && !/(ss|us|is)$/.test(label);
  const negative = /^(no |not |nothing|none|empty)/i.test(label);
  if (plural || negative || !/^\p{L}/u.test(label)) return start;
  return `${start} ${"aeiou".includes(label[0].toLowerCase()) ? "an" : "a"}`;
}
