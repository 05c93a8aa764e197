"""What each platform's API makes of the world: routes and shapes, and nothing that others share."""
