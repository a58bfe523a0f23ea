"""Everything that draws. Every script and style is local: nothing from a CDN."""
