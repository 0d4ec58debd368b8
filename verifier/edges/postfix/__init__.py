"""What Postfix asks: the policy service and socketmap, on one listener."""
