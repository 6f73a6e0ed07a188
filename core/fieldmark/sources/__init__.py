"""Where photos come from: folders, archives, tables, other programs' datasets; and where labels do."""
