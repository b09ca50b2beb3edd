"""Links by which somebody without a login hands in files: made by staff, limited, ended, and every delivery with a receipt."""
