"""Warm workers: the page that makes claims durable, and how many workers there should be."""
