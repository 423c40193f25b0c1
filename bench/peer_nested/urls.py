"""Routes of the nested peer."""

from django.urls import include, path
from rest_framework.routers import DefaultRouter

from bench.peer_nested import views

router = DefaultRouter()
router.register("sessions", views.Sessions)

urlpatterns = [path("hello/", views.hello), path("", include(router.urls))]
