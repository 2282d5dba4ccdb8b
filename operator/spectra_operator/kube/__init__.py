"""The Kubernetes API client layer: access, client, informer, lease, errors.

It knows nothing of workflows and imports nothing of ours. Objects are plain JSON
dictionaries (`resources.Body`); time comes from an injected `clock.Clock`.
"""
