"""From bytes to pixels: formats, limits, EXIF, colour, sizes, thumbnails, looks, augmentation."""
