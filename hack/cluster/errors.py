"""The errors of the cluster tool.

ClusterError
  MissingProgram     a program or Debian package is needed and not there
  BuildFailed        a Go build ended with an error
  ComponentFailed    a process of the cluster died or did not become ready
  ProviderRefused    the chosen provider can't or must not be used here
"""

from __future__ import annotations


class ClusterError(Exception):
    """Base of all errors that the tool reports as one message, without a traceback."""


class MissingProgram(ClusterError):  # noqa: N818 - it names a state, and reads so in messages
    """A program is missing; the message holds the command that installs it."""


class BuildFailed(ClusterError):  # noqa: N818
    """A Go build failed; the message names its log file."""


class ComponentFailed(ClusterError):  # noqa: N818
    """A cluster process died or never became ready; the message names its log file."""


class ProviderRefused(ClusterError):  # noqa: N818
    """The provider can't run here, or its context is not on the allow-list."""
