"""All routes: pages, accounts, health."""

from django.urls import include, path

handler400 = "web.errors.bad_request"
handler403 = "web.errors.permission_denied"
handler404 = "web.errors.not_found"
# Not Django's: allauth asks for it when a rate limit is reached.
handler429 = "web.errors.too_many_requests"
handler500 = "web.errors.server_error"

urlpatterns = [
    path("", include("api.urls")),
    path("", include("web.urls")),
]
