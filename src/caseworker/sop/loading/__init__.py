"""From the text of a playbook's files to its model. Every problem is collected with file and line, none stops the reading."""
