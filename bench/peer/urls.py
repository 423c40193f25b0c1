"""Routes of the peer."""

from django.urls import include, path
from rest_framework.routers import DefaultRouter

from bench.peer import views

router = DefaultRouter()
router.register("scores", views.Scores)
router.register("sessions", views.Sessions)

urlpatterns = [path("hello/", views.hello), path("live/", views.live), path("", include(router.urls))]
