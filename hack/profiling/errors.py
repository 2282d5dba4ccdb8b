"""What goes wrong in a profile."""


class ProfileError(Exception):
    """Something could not be measured; the message says what, and what to do."""
