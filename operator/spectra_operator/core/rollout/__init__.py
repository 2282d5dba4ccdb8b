"""Blue-green rollouts of revisions: the pure decision. docs/adr/0012-rollouts.md says it to users."""
