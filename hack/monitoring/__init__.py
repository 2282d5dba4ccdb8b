"""Recording rules, alerts, dashboards and their reference page, all from one place."""
