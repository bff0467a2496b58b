"""What stays of a commissioning: journal, label, test record, hand-over."""
