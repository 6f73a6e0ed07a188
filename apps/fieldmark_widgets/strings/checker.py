"""The English of the checker."""

from __future__ import annotations

from types import MappingProxyType

CHECKER = MappingProxyType(
    {
        "region": "Check photos",
        "empty_title": "Nothing to check yet",
        "no_project": "No dataset is open. Import some photos first.",
        "empty": "There are no photos yet. Import some first.",
        "checking": "Looking at the photos",
        "progress": "{step}: {done} of {total}",
        "cancel": "Cancel",
        "stopped": "Stopped. Nothing was changed.",
        "check": "Check",
        "again": "Check again",
        "all_good": "All {n} photos are fine",
        "found_one": "1 of {n} photos needs a look",
        "found": "{k} of {n} photos need a look",
        "quiet": "Put aside what does not help, and leave the rest: a faint photo of a rare animal is worth more than "
        "none. Whatever is put aside can be taken back.",
        "conflicts": "Two labels",
        "conflicts_text": "The same picture under two labels: one of them is wrong. Relabel one in the cleaner.",
        "duplicates": "Same file twice",
        "duplicates_text": "The same bytes more than once. They stay on one side of the split; putting all but one aside "
        "keeps them from counting twice.",
        "near_duplicates": "Nearly the same",
        "near_duplicates_text": "A smaller copy, another compression, the next frame of a burst. They stay on one side "
        "of the split.",
        "rejected": "Cannot be read",
        "rejected_text": "Files that no longer open. Something has changed them since they were imported.",
        "tiny": "Tiny",
        "tiny_text": "Shorter than 64 pixels: there is little to learn from.",
        "dark": "Dark",
        "dark_text": "Almost black. A night camera is no fault: put aside only what nobody can recognise.",
        "blurred": "Blurred",
        "blurred_text": "No part is sharp.",
        "quarantined": "Put aside",
        "quarantined_text": "Photos that are not used. Nothing is deleted.",
        "group": "group {i}",
        "uneven": "{times} times as many photos of {most} as of {least}. Add photos of {least}, or weigh classes equally "
        "when you train.",
        "aside_all": "Put these {n} aside",
        "aside_spare": "Put all but one of each group aside: {n}",
        "aside_chosen_one": "Put the chosen photo aside",
        "aside_chosen": "Put the {n} chosen photos aside",
        "restore_all": "Take these {n} back",
        "restore_chosen_one": "Take the chosen photo back",
        "restore_chosen": "Take the {n} chosen photos back",
        "undo": "Undo",
        "did_aside_one": "1 photo was put aside.",
        "did_aside": "{n} photos were put aside.",
        "did_restore_one": "1 photo was taken back.",
        "did_restore": "{n} photos were taken back.",
        "did_undo": "Undone.",
        "failed": "{n} could not be moved: {reason}",
        "stale": "Photos have changed since this check.",
    }
)
"""Faults, with what each means, in the order of `checker.FAULTS`."""
