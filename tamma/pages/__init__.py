"""Pages: one HTML file with everything in it, no network, no script, light and dark, readable on a phone."""
