"""One attempt of a task: the pod it is, what it proves, what it returned, when it is retried."""
