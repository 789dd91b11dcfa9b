# The functions: challenges answers Define, Create, Verify and PreSignUp; post_auth,
# the only one that may write to users, PostAuthentication; rotation changes the keys.
# Each has a role of its own, which may write its own log and no other.

locals {
  # Memory buys CPU: 512 MB are 0.29 of a core, so the two or three TLS handshakes of
  # a first call take tens of milliseconds, where 128 MB would make hundreds of them.
  memory        = 512
  log_retention = var.production ? 365 : 30
  environment = {
    CUSTOMAUTH_COUNTER_SECRET = aws_secretsmanager_secret.counter_key.arn # names, never values
    CUSTOMAUTH_TABLE          = aws_dynamodb_table.counters.name
    GOMAXPROCS                = "1" # measured: a tenth less of a cold start
  }
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "archive_file" "challenges" {
  type        = "zip"
  source_dir  = "${path.module}/dist/challenges"
  output_path = "${path.module}/dist/challenges.zip"
}

resource "aws_lambda_function" "challenges" {
  function_name                  = "${var.name}-challenges"
  description                    = "Cognito triggers of customauth"
  filename                       = data.archive_file.challenges.output_path
  source_code_hash               = data.archive_file.challenges.output_base64sha256
  handler                        = "bootstrap"
  runtime                        = "provided.al2023"
  architectures                  = ["arm64"]
  memory_size                    = local.memory
  timeout                        = 5 # Cognito stops waiting then
  reserved_concurrent_executions = var.production ? 120 : -1
  role                           = aws_iam_role.challenges.arn
  environment {
    variables = merge(local.environment, {
      CUSTOMAUTH_KEYS_SECRET = aws_secretsmanager_secret.keys.arn
      CUSTOMAUTH_COUNTRIES   = join(",", var.countries)
      },
      var.production ? { CUSTOMAUTH_METRICS = var.name } : {}, # CloudWatch bills them
      var.sender_id == null ? {} : { CUSTOMAUTH_SENDER_ID = var.sender_id },
      var.origination_number == null ? {} : { CUSTOMAUTH_ORIGINATION_NUMBER = var.origination_number },
    )
  }
  logging_config {
    log_format = "Text" # as the function writes it: JSON
    log_group  = aws_cloudwatch_log_group.challenges.name
  }
  depends_on = [aws_iam_role_policy.challenges]
}

resource "aws_cloudwatch_log_group" "challenges" {
  name              = "/aws/lambda/${var.name}-challenges"
  retention_in_days = local.log_retention
  skip_destroy      = var.production
}

resource "aws_iam_role" "challenges" {
  name_prefix        = "${var.name}-challenges-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "challenges" {
  role   = aws_iam_role.challenges.id
  policy = data.aws_iam_policy_document.challenges.json
}

data "aws_iam_policy_document" "challenges" {
  source_policy_documents = [data.aws_iam_policy_document.texts.json]
  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.challenges.arn}:*"]
  }
  statement {
    sid       = "ReadKeys"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.keys.arn, aws_secretsmanager_secret.counter_key.arn]
  }
  statement {
    sid       = "Count"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.counters.arn]
  }
}

resource "aws_lambda_permission" "challenges" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.challenges.function_name
  principal     = "cognito-idp.amazonaws.com"
  source_arn    = local.pool_arn
}

data "archive_file" "post_auth" {
  type        = "zip"
  source_dir  = "${path.module}/dist/postauth"
  output_path = "${path.module}/dist/postauth.zip"
}

resource "aws_lambda_function" "post_auth" {
  function_name                  = local.post_auth_name
  description                    = "Cognito triggers of customauth"
  filename                       = data.archive_file.post_auth.output_path
  source_code_hash               = data.archive_file.post_auth.output_base64sha256
  handler                        = "bootstrap"
  runtime                        = "provided.al2023"
  architectures                  = ["arm64"]
  memory_size                    = local.memory
  timeout                        = 5 # Cognito stops waiting then
  reserved_concurrent_executions = var.production ? 40 : -1
  role                           = aws_iam_role.post_auth.arn
  environment {
    variables = merge(local.environment, {
      CUSTOMAUTH_CLIENT_IDS = aws_cognito_user_pool_client.app.id
    })
  }
  logging_config {
    log_format = "Text" # as the function writes it: JSON
    log_group  = aws_cloudwatch_log_group.post_auth.name
  }
  depends_on = [aws_iam_role_policy.post_auth]
}

resource "aws_cloudwatch_log_group" "post_auth" {
  name              = "/aws/lambda/${var.name}-post-auth"
  retention_in_days = local.log_retention
  skip_destroy      = var.production
}

resource "aws_iam_role" "post_auth" {
  name_prefix        = "${var.name}-post-auth-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "post_auth" {
  role   = aws_iam_role.post_auth.id
  policy = data.aws_iam_policy_document.post_auth.json
}

data "aws_iam_policy_document" "post_auth" {
  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.post_auth.arn}:*"]
  }
  statement {
    sid       = "ReadKeys"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.counter_key.arn]
  }
  statement {
    sid       = "ReadProofs"
    actions   = ["dynamodb:GetItem"]
    resources = [aws_dynamodb_table.counters.arn]
  }
  statement {
    sid       = "MarkVerified"
    actions   = ["cognito-idp:AdminUpdateUserAttributes", "cognito-idp:AdminUserGlobalSignOut"]
    resources = [local.pool_arn]
  }
}

resource "aws_lambda_permission" "post_auth" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.post_auth.function_name
  principal     = "cognito-idp.amazonaws.com"
  source_arn    = local.pool_arn
}

data "archive_file" "rotation" {
  type        = "zip"
  source_dir  = "${path.module}/dist/rotation"
  output_path = "${path.module}/dist/rotation.zip"
}

resource "aws_lambda_function" "rotation" {
  function_name    = "${var.name}-rotation"
  description      = "Changes the keys of customauth"
  filename         = data.archive_file.rotation.output_path
  source_code_hash = data.archive_file.rotation.output_base64sha256
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = ["arm64"]
  memory_size      = local.memory
  timeout          = 30
  role             = aws_iam_role.rotation.arn
  logging_config {
    log_format = "Text" # as the function writes it: JSON
    log_group  = aws_cloudwatch_log_group.rotation.name
  }
  depends_on = [aws_iam_role_policy.rotation]
}

resource "aws_cloudwatch_log_group" "rotation" {
  name              = "/aws/lambda/${var.name}-rotation"
  retention_in_days = local.log_retention
  skip_destroy      = var.production
}

resource "aws_iam_role" "rotation" {
  name_prefix        = "${var.name}-rotation-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "rotation" {
  role   = aws_iam_role.rotation.id
  policy = data.aws_iam_policy_document.rotation.json
}

data "aws_iam_policy_document" "rotation" {
  statement {
    sid       = "WriteOwnLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.rotation.arn}:*"]
  }
  statement {
    sid = "RotateKeys"
    actions = [
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = [aws_secretsmanager_secret.keys.arn]
  }
}

resource "aws_lambda_permission" "rotation" {
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.rotation.function_name
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
}
