# The counters of texts and guesses, and what accounts proved. Its items are HMACs
# and times: no phone number, no name.
resource "aws_dynamodb_table" "counters" {
  name                        = "${var.name}-counters"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = var.production
  attribute {
    name = "pk"
    type = "S"
  }
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
  server_side_encryption {
    enabled = true
  }
  point_in_time_recovery {
    enabled = var.production
  }
}
