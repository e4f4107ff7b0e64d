"""One room a study: its experiment, its summaries, its views. Nothing else imports them, and none another."""
