"""Every English sentence of the widgets, a file for each component: Python fills some, the browser the others.

A name in braces is filled in where the sentence is shown, always as text and never as HTML.
"""
