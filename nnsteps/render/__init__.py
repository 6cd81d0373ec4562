"""Renderers: one file a format, each from the blocks of a document to text."""
