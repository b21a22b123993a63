"""A first playbook from a policy document: sections, prompts, answers taken apart, files. Pure: nobody is asked here."""
