"""What keeps a test run from touching anything but itself: network, environment, processes."""
