"""Stage fuse: networks and activities aligned to a backbone's vocabulary, stored as one graph bundle."""
