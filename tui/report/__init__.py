"""A session as a document to keep or to hand on: JSON Lines, HTML, Markdown. Pure.

Nothing in it is a prompt, an answer or a sentence of a provider's, which may quote one: what went wrong is named by
its kind. Keys and tokens are in none of the values that these modules get.
"""
