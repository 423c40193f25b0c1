"""What one would write first: Django REST Framework's model serializers over plain tables, history by django-simple-history.

It asks for no sign-in, knows no trial or site and checks no record against another, all of which would make it slower.
"""
