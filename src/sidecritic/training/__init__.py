"""How critics learn from judged and labelled proposals; nothing here is needed to judge."""
