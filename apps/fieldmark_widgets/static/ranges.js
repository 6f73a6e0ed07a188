// Which photos of a gallery are chosen, as ranges of places: everything chosen among 100,000 photos is one.
// Ranges are [first, last], sorted, and never touch each other.
function without(ranges, place) {
  return ranges.flatMap(([first, last]) => (place < first || place > last ? [[first, last]] : [[first, place - 1], [place + 1, last]])).filter(([first, last]) => first <= last);
}

function withPlace(ranges, place) {
  const joined = [];
  for (const [first, last] of [...ranges, [place, place]].sort(([a], [b]) => a - b)) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}
