"""The peer that keeps the same facts of a session: Django REST Framework as its tutorial has it, history by django-simple-history.

Nested model serializers over a table for each kind of row, a token to sign in, Django's model permissions, one transaction a request.
It has a database of its own. Unlike the product it checks no value against the trial's rules, derives no dose, knows no sites and
deviations, marks no outcomes and lets the same session in twice.
"""
