# The user pool, unless there is one, and its app client.

resource "aws_cognito_user_pool" "users" {
  count               = var.user_pool_id == null ? 1 : 0
  name                = var.name
  user_pool_tier      = var.plan
  deletion_protection = var.production ? "ACTIVE" : "INACTIVE"

  username_attributes = ["phone_number"]
  schema {
    name                = "phone_number"
    attribute_data_type = "String"
    required            = true
    mutable             = true
    string_attribute_constraints {
      min_length = "0"
      max_length = "2048"
    }
  }
  admin_create_user_config {
    allow_admin_create_user_only = false
  }

  # Nobody has a password that is worth recovering, and recovery is another way
  # into an account: Cognito's own texts, with Cognito's own limits.
  account_recovery_setting {
    recovery_mechanism {
      name     = "admin_only"
      priority = 1
    }
  }

  # The code is the proof. Cognito's own second factor would ask for another.
  mfa_configuration = "OFF"

  # A number that is changed must be proved first. Otherwise somebody changes hers
  # to a stranger's, who later proves it by a code and is then in her account.
  # Cognito sends that one code, and only for that: whoever signs up is confirmed by
  # the trigger, gets nothing from Cognito, and proves the number by the first
  # sign-in.
  auto_verified_attributes = ["phone_number"]
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["phone_number"]
  }
  verification_message_template {
    sms_message = "{####} is the code that confirms your new phone number."
  }
  sms_configuration {
    external_id    = var.name
    sns_caller_arn = aws_iam_role.cognito_texts[0].arn
  }

  dynamic "user_pool_add_ons" {
    for_each = var.plan == "PLUS" ? [1] : []
    content {
      advanced_security_mode = "ENFORCED"
      advanced_security_additional_flows {
        custom_auth_mode = "ENFORCED"
      }
    }
  }

  lambda_config {
    pre_sign_up                    = aws_lambda_function.challenges.arn
    define_auth_challenge          = aws_lambda_function.challenges.arn
    create_auth_challenge          = aws_lambda_function.challenges.arn
    verify_auth_challenge_response = aws_lambda_function.challenges.arn
    post_authentication            = local.post_auth_arn
  }

  depends_on = [aws_iam_role_policy.cognito_texts] # Cognito refuses a role that may not send
}

locals {
  pool_id  = var.user_pool_id == null ? aws_cognito_user_pool.users[0].id : var.user_pool_id
  pool_arn = "arn:${local.partition}:cognito-idp:${local.region}:${local.account}:userpool/${local.pool_id}"

  # By name, and not by reference: the function is told the app client, which is the
  # pool's, and so comes after it.
  post_auth_name = "${var.name}-post-auth"
  post_auth_arn  = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.post_auth_name}"
}

resource "aws_cognito_user_pool_client" "app" {
  name            = var.name
  user_pool_id    = local.pool_id
  generate_secret = false # apps and pages cannot keep one

  # ALLOW_CUSTOM_AUTH alone: each other flow is another door. Tokens are refreshed by
  # GetTokensFromRefreshToken, which each time gives a new refresh token and ends the
  # old one.
  explicit_auth_flows = ["ALLOW_CUSTOM_AUTH"]
  refresh_token_rotation {
    feature                    = "ENABLED"
    retry_grace_period_seconds = 10 # for a request whose answer was lost
  }

  # What people say of themselves at sign-up. An e-mail address is not among it:
  # nothing here proves one.
  write_attributes = ["locale", "name", "phone_number"]

  prevent_user_existence_errors        = "ENABLED"
  auth_session_validity                = 15 # minutes: a session must live longer than a code
  enable_token_revocation              = true
  allowed_oauth_flows_user_pool_client = false
  supported_identity_providers         = ["COGNITO"]
  access_token_validity                = 60
  id_token_validity                    = 60
  refresh_token_validity               = 43200
  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "minutes"
  }
}

# The role by which Cognito sends the code that proves a changed number.
resource "aws_iam_role" "cognito_texts" {
  count              = var.user_pool_id == null ? 1 : 0
  name_prefix        = "${var.name}-cognito-texts-"
  assume_role_policy = data.aws_iam_policy_document.cognito.json
}

data "aws_iam_policy_document" "cognito" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["cognito-idp.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.name]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role_policy" "cognito_texts" {
  count  = var.user_pool_id == null ? 1 : 0
  role   = aws_iam_role.cognito_texts[0].id
  policy = data.aws_iam_policy_document.texts.json
}

# Texts to phone numbers, and nothing to topics or devices. In a policy the resource
# of a text is the bare phone number, which only "*" matches; all else has an ARN.
data "aws_iam_policy_document" "texts" {
  statement {
    sid       = "SendTexts"
    actions   = ["sns:Publish"]
    resources = ["*"]
  }
  statement {
    sid       = "PublishToPhonesOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = ["arn:${local.partition}:sns:*:*:*"]
  }
}
