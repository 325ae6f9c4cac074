"""The operator's web pages, over the same functions as the routes. Plain HTML; nothing is loaded from elsewhere."""
