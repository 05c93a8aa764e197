"""What the commands of `tamma ab` share."""
