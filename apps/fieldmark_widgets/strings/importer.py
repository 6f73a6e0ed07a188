"""The English of the importer."""

from __future__ import annotations

from types import MappingProxyType

IMPORTER = MappingProxyType(
    {
        "region": "Import photos",
        "labels_none": "nowhere: take all without a label, and label them here",
        "unlabelled_one": "1 photo waits for a label",
        "unlabelled": "{n} photos wait for a label",
        "label_them": "Label them",
        "no_label": "No label yet",
        "title_new": "Which photos do you want to tell apart?",
        "title_more": "Add photos",
        "intro": "A folder for each class, such as grizzly, black and teddy. The folder is only read: its photos are "
        "copied into a dataset of their own, where everything can be undone.",
        "path": "Folder, zip or CSV on this computer",
        "path_hint": "/home/me/photos",
        "import": "Import",
        "drop": "Or from another computer",
        "sample": "Try the sample",
        "sample_hint": "168 patches of brick, grass and gravel; five carry a wrong label on purpose.",
        "options": "Labels, name, a sealed test",
        "labels_folder": "in the name of the folder",
        "labels_regex": "Labels are in the names of the files",
        "regex": "Regular expression; its first group is the label",
        "regex_hint": r"^(.+)_\d+\.jpg$",
        "name": "Name of the dataset",
        "sealed": "Set aside as a sealed test",
        "sealed_0": "nothing",
        "sealed_10": "10 % of the photos",
        "sealed_20": "20 % of the photos",
        "sealed_hint": "Nobody sees these photos, and nothing learns from them, until you open the test at the end. It is the "
        "figure that cleaning and choosing could not flatter.",
        "did_seal": "{n} of them are set aside as a sealed test. Open it once, at the end: Results → Sealed test.",
        "cancel": "Cancel",
        "progress": "{step}: {done} of {total}",
        "progress_open": "{step} …",
        "starting": "Reading",
        "undo": "Undo this import",
        "undone": "{n} photos were taken out again.",
        "stopped": "Stopped. {n} photos were taken in; undo takes them out again.",
        "not_found": "{path} is not there. Check how it is written; it must be on the computer that runs this page.",
        "no_path": "Write the path of a folder, zip or CSV first.",
        "added_one": "1 photo imported",
        "added": "{n} photos imported",
        "nothing_added": "No new photo was imported",
        "labelled_one": "1 photo that waited for a label got one",
        "labelled": "{n} photos that waited for a label got one",
        "took": "{seconds} s",
        "rejected": "Could not be used",
        "duplicates": "There already, not taken again",
        "conflicts": "There already under another label: one of the two is wrong",
        "renamed": "Renamed",
        "duplicate": "{name} is {of}",
        "conflict": "{name} says {label}; {of} stays {of_label}",
        "rename": "{name} is now {path}",
        "more": "and {n} more",
        "skipped": "{n} hidden or system files were skipped.",
        "photos": "Photos in this dataset",
        "all": "All",
        "reading_hint": "Photos stay on this computer.",
    }
)

ARCHIVE_UPLOADER = MappingProxyType(
    {
        "region": "Drop a zip of photos",
        "headline": "Drop a zip here",
        "choose": "Choose a zip",
        "hint": "In it, a folder for each class.",
        "hint_more": "In it, a folder for each class.",
    }
)
"""What the uploader says otherwise when it takes archives."""
