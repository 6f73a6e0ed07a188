"""The English of the results."""

from __future__ import annotations

from types import MappingProxyType

SINCE = MappingProxyType(
    {
        "sentence": "Changed since this training: {changes}. The figures are those from before.",
        "relabelled_one": "1 photo has another label",
        "relabelled": "{n} photos have another label",
        "added_one": "1 photo came",
        "added": "{n} photos came",
        "gone_one": "1 photo left",
        "gone": "{n} photos left",
        "choices": "how to train was chosen anew",
    }
)

RESULTS = MappingProxyType(
    {
        "region": "Results",
        "question": "How good is it?",
        "headline_one": "{wrong} of 1 photo wrong",
        "headline": "{wrong} of {n} photos wrong",
        "headline_none": "No photo was held out",
        "error": "error {error} %, 95 % {low}–{high}",
        "basis": "Judged on {n} photos it never saw; learned from {n_train}, in {seconds} s.",
        "basis_none": "Learned from {n_train} photos; none was held out, so nothing says how good it is.",
        "matrix": "What is mistaken for what",
        "axes": "Rows: what the photo is. Columns: what the model said. Choose a cell to see its photos.",
        "n": "n",
        "cell": "{actual}, called {said}: {count} of {n}",
        "cell_right": "{actual}, called {actual}, which is right: {count} of {n}",
        "pairs": "Most often mistaken",
        "pair": "{actual} taken for {said}",
        "pair_count": "{count} of {n}",
        "no_mistakes": "Nothing was mistaken for anything else.",
        "all_pairs": "Show all {n}",
        "too_many": "{n} classes: too many for a table on a screen. The table of classes below has them all.",
        "whole": "The whole table",
        "losses": "Look at these first",
        "losses_note": "Held-out photos whose label surprised the model most. It may be wrong, or the label.",
        "cell_title": "{actual}, called {said}",
        "cell_right_title": "{actual}, called {said}: right",
        "count_one": "1 photo",
        "count": "{n} photos",
        "back": "Back to the most surprising",
        "clean": "Clean these",
        "class": "Class",
        "tabs": "Why",
        "tab_mistakes": "Mistakes",
        "tab_classes": "Class by class",
        "tab_sure": "How sure it is",
        "tab_where": "Where it fails",
        "tab_field": "In the field",
        "tab_more": "More photos?",
        "tab_progress": "Progress",
        "tab_test": "Sealed test",
        "measuring": "Measuring",
        "open_now": "Open it now",
        "not_now": "Not now",
        "ways": "What the cells show",
        "way_counts": "Photos",
        "way_rows": "Share of what it is",
        "way_columns": "Share of what was said",
        "axes_short": "Rows: what it is (n). Columns: what the model said.",
        "as_table": "The numbers",
        "save_svg": "Save as SVG",
        "save_png": "Save as PNG",
        "none_behind": "No photo is behind this",
        "left_out_one": "1 photo was left out",
        "left_out": "{n} photos were left out",
        "left_out_more": "… and {n} more",
        "notes": "About the photos held out",
        "train_again": "Train again",
        "cancel": "Cancel",
        "progress": "{step}: {done} of {total}",
        "fitting": "Looking at the photos again",
        "training": "Training",
        "empty_title": "No results yet",
        "no_project": "No dataset is open. Import some photos first.",
    }
)


FIGURES = MappingProxyType(
    {
        "share": "{hits} of {n} ({interval})",
        "wrong": "{wrong} of {n} wrong ({interval})",
        "interval": "{low}–{high} %",
        "none": "no photo",
        "bin": "{low}–{high} % sure",
        "found_title": "How many of each class are found",
        "found_note": "Of the held-out photos of a class, how many the model called by its name. The line is the 95 % "
        "interval.",
        "found_x": "found",
        "right_title": "How often it is right when it says so",
        "right_note": "Of the held-out photos that the model called by a name, how many are that. The line is the "
        "95 % interval.",
        "right_x": "right",
        "calibration_title": "Can its percentages be believed?",
        "calibration_note": "On the dashed line, what is called 80 % sure is right 80 times of 100. Below it, the "
        "model is too sure. The lines are 95 % intervals.",
        "calibration_x": "how sure it was",
        "calibration_y": "how often it was right",
        "progress_title": "Every training so far",
        "progress_note": "The latest first. Better and worse are only said when chance alone would hardly do it (exact "
        "McNemar test on the same held-out photos, 5 %). Cleaning again and again by the same held-out photos flatters "
        "them: a test that is opened once does not.",
        "ledger_when": "When",
        "ledger_data": "Photos",
        "ledger_model": "Model",
        "ledger_result": "Result",
        "ledger_verdict": "Against the one before",
        "data": "{n} to learn from, version {version}",
        "mode_fit": "fitted",
        "mode_fine_tune": "fine-tuned",
        "verdict_better": "better: {mended} mended, {spoilt} spoilt (p = {p})",
        "verdict_worse": "worse: {mended} mended, {spoilt} spoilt (p = {p})",
        "verdict_undecided": "too few to say: {mended} mended, {spoilt} spoilt (p = {p})",
        "slice_group_title": "By site or group",
        "slice_source_title": "By where the photos came from",
        "slice_time_title": "By time of day",
        "slice_size_title": "By size of the photo",
        "slice_note": "How many held-out photos are answered rightly. The line is the 95 % interval.",
        "slice_x": "right",
        "slice_heading": "Photos",
        "curve_title": "Would more photos help?",
        "curve_offer": "The model learns again from a tenth, a fifth … of its photos, and is judged by the same "
        "held-out ones each time. It takes some seconds.",
        "curve_go": "Find out",
        "curve_x": "photos it learned from",
        "curve_y": "wrong",
        "curve_heading": "Photos",
        "curve_point": "{n} photos",
        "field_title": "What if the photos are worse?",
        "field_offer": "Night, bad cameras, an animal far away or behind a bush: the held-out photos are made grey, "
        "dark, blurred, small, low-resolution, partly hidden and tilted, and the model is asked again. It takes some "
        "seconds.",
        "field_go": "Try it on worse photos",
        "field_note": "The same held-out photos, made worse on purpose. “Worse” is only said when chance alone would "
        "hardly do it. The line is the 95 % interval.",
        "field_x": "right",
        "field_heading": "Photos made",
        "condition": "{name}",
        "worse": "worse · {text}",
        "test_title": "The sealed test",
        "test_none": "No test was set aside for this dataset. Cleaning and choosing by the same held-out photos again "
        "and again flatters them. Set some photos aside when you import them, under “Labels, name, a sealed test”.",
        "test_closed": "{n} photos are set aside, and nobody has looked. Open the test once, at the end: its figure is "
        "the one to tell others.",
        "test_opened_one": "{n} photos are set aside. The test was opened once; opened again, it is no fresh test.",
        "test_opened": "{n} photos are set aside. The test was opened {times} times: it is no fresh test any more.",
        "test_go": "Open the test",
        "test_confirm": "Each opening is counted, and spends some of what the test is worth.",
        "test_why": "from the results",
        "opening": "Opening {number}: {result}, by {who} at {at}",
        "behind_slice": "{value}",
        "behind_found": "Photos of {value}",
        "behind_right": "Called {value}",
        "behind_bin": "Answers that were {value}",
    }
)
