# The keys, made up at the first apply, and sent to Secrets Manager as write-only
# arguments: neither the plan nor the state has them. An ephemeral value is new in
# each run, and only a new secret_string_wo_version would send it again.
#
# The library takes keys in base64. 64 random letters and digits are valid base64:
# a key of 48 bytes that holds 381 bits of randomness.

ephemeral "random_password" "keys" {
  length  = 64
  special = false
}

ephemeral "random_password" "counter_key" {
  length  = 64
  special = false
}

resource "aws_secretsmanager_secret" "keys" {
  name_prefix             = "${var.name}-keys-"
  description             = "Keys of customauth: base64, newest first, separated by commas."
  recovery_window_in_days = var.production ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "keys" {
  secret_id                = aws_secretsmanager_secret.keys.id
  secret_string_wo         = ephemeral.random_password.keys.result
  secret_string_wo_version = 1
}

resource "aws_secretsmanager_secret" "counter_key" {
  name_prefix             = "${var.name}-counter-key-"
  description             = "The counter key of customauth, in base64. With another one all counters begin afresh."
  recovery_window_in_days = var.production ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "counter_key" {
  secret_id                = aws_secretsmanager_secret.counter_key.id
  secret_string_wo         = ephemeral.random_password.counter_key.result
  secret_string_wo_version = 1
}

# Changes the keys each quarter, and on demand (aws secretsmanager rotate-secret).
# The counter key is never changed.
resource "aws_secretsmanager_secret_rotation" "keys" {
  secret_id           = aws_secretsmanager_secret.keys.id
  rotation_lambda_arn = aws_lambda_function.rotation.arn
  rotate_immediately  = false
  rotation_rules {
    automatically_after_days = 90
  }
  depends_on = [aws_lambda_permission.rotation, aws_secretsmanager_secret_version.keys]
}
