"""The official indices, each in a file of its own with source, edition and published values as tests."""
