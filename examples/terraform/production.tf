# What watches over the pool in production: a firewall for what no trigger is told,
# alarms for what somebody should look at, and a dashboard.

locals {
  # Each of these may make Cognito send a text, which customauth does not count.
  texts_by_cognito = ["UpdateUserAttributes", "GetUserAttributeVerificationCode", "ResendConfirmationCode"]

  # Requests in five minutes, by one address or by all together. They are generous: a
  # carrier has thousands of people behind one address.
  rates = [
    { name = "SignUps", by = "IP", limit = 50, operations = ["SignUp"] },
    { name = "SignIns", by = "IP", limit = 200, operations = ["InitiateAuth"] },
    { name = "TextsByCognito", by = "IP", limit = 20, operations = local.texts_by_cognito },
    { name = "Everything", by = "IP", limit = 1000, operations = [] },
    { name = "TextsByCognitoInAll", by = "CONSTANT", limit = 100, operations = local.texts_by_cognito },
  ]
}

resource "aws_wafv2_web_acl" "firewall" {
  count = var.production ? 1 : 0
  name  = var.name
  scope = "REGIONAL"
  default_action {
    allow {}
  }
  visibility_config {
    metric_name                = "Firewall"
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = false # samples hold phone numbers
  }
  dynamic "rule" {
    for_each = local.rates
    content {
      name     = rule.value.name
      priority = rule.key
      action {
        block {}
      }
      visibility_config {
        metric_name                = rule.value.name
        cloudwatch_metrics_enabled = true
        sampled_requests_enabled   = false
      }
      statement {
        rate_based_statement {
          aggregate_key_type    = rule.value.by
          evaluation_window_sec = 300
          limit                 = rule.value.limit
          dynamic "scope_down_statement" {
            for_each = length(rule.value.operations) > 0 ? [rule.value.operations] : []
            content {
              regex_match_statement {
                regex_string = "^AWSCognitoIdentityProviderService\\.(${join("|", scope_down_statement.value)})$"
                field_to_match {
                  single_header {
                    name = "x-amz-target"
                  }
                }
                text_transformation {
                  priority = 0
                  type     = "NONE"
                }
              }
            }
          }
        }
      }
    }
  }
}

resource "aws_wafv2_web_acl_association" "firewall" {
  count        = var.production ? 1 : 0
  resource_arn = local.pool_arn
  web_acl_arn  = aws_wafv2_web_acl.firewall[0].arn
}

resource "aws_sns_topic" "alarms" {
  count = var.production ? 1 : 0
  name  = "${var.name}-alarms"
}

resource "aws_sns_topic_policy" "alarms" {
  count  = var.production ? 1 : 0
  arn    = aws_sns_topic.alarms[0].arn
  policy = data.aws_iam_policy_document.alarms[0].json
}

# A policy replaces the one that a topic has without, by which everything in the account
# may publish. So it has to let the alarms in.
data "aws_iam_policy_document" "alarms" {
  count = var.production ? 1 : 0
  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms[0].arn]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
  statement {
    sid       = "EncryptedOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms[0].arn]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_subscription" "alarms" {
  count     = var.production && var.alarm_email != null ? 1 : 0
  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  functions = {
    challenges = aws_lambda_function.challenges.function_name
    post_auth  = aws_lambda_function.post_auth.function_name
    rotation   = aws_lambda_function.rotation.function_name
  }

  # What somebody should look at, and from how many in five minutes.
  alarms = merge(
    {
      Broken        = { namespace = var.name, metric = "Count", at = 1, dimensions = { Outcome = "broken" }, what = "a trigger failed" }
      Mismatch      = { namespace = var.name, metric = "Count", at = 10, dimensions = { Reason = "mismatch" }, what = "sign-ins that other keys or steps sealed: a deployment or a rotation went wrong" }
      RateLimited   = { namespace = var.name, metric = "Count", at = 50, dimensions = { Reason = "rate_limited" }, what = "an attack that is being stopped, or limits that are too tight" }
      CountryClosed = { namespace = var.name, metric = "CountryClosed", at = 1, dimensions = {}, what = "a budget of texts is used up: SMS pumping, or a campaign of yours" }
    },
    merge([for key, name in local.functions : {
      "${key}-errors"    = { namespace = "AWS/Lambda", metric = "Errors", at = 1, dimensions = { FunctionName = name }, what = "calls that ended in an error, a crash or a timeout" }
      "${key}-throttles" = { namespace = "AWS/Lambda", metric = "Throttles", at = 1, dimensions = { FunctionName = name }, what = "calls for which there was no instance: raise the concurrency, or an attack is under way" }
    }]...),
    { for metric in ["ReadThrottleEvents", "WriteThrottleEvents"] : metric =>
      { namespace = "AWS/DynamoDB", metric = metric, at = 1, dimensions = { TableName = aws_dynamodb_table.counters.name }, what = "the table refused requests, and so did customauth" }
    },
  )
}

# The function writes the other metrics itself, into its log; why smsguard refuses is in
# the log alone.
resource "aws_cloudwatch_log_metric_filter" "country_closed" {
  count          = var.production ? 1 : 0
  name           = "CountryClosed"
  log_group_name = aws_cloudwatch_log_group.challenges.name
  pattern        = "{ $.error = \"*_closed*\" }"
  metric_transformation {
    namespace = var.name
    name      = "CountryClosed"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "alarms" {
  for_each            = var.production ? local.alarms : {}
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.what
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = each.value.at
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms[0].arn]
}

resource "aws_cloudwatch_metric_alarm" "spend" {
  count               = var.production ? 1 : 0
  alarm_name          = "${var.name}-spend"
  alarm_description   = "what the texts of this account cost this month, in USD"
  namespace           = "AWS/SNS"
  metric_name         = "SMSMonthToDateSpentUSD"
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 1
  threshold           = var.spend_alarm
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms[0].arn]
}

resource "aws_cloudwatch_dashboard" "customauth" {
  count          = var.production ? 1 : 0
  dashboard_name = "${var.name}-${local.region}"
  dashboard_body = jsonencode({
    widgets = [for i, graph in [
      { title = "Texts and right answers", metrics = [
        [var.name, "Sent", "Trigger", "create", { label = "Sent" }],
        [var.name, "Count", "Trigger", "verify", "Outcome", "passed", { label = "Passed" }],
      ] },
      { title = "Refused", metrics = [
        [var.name, "Count", "Reason", "rate_limited", { label = "RateLimited" }],
        [var.name, "CountryClosed", { label = "CountryClosed" }],
      ] },
      { title = "Broken", metrics = [
        [var.name, "Count", "Outcome", "broken", { label = "Broken" }],
        [var.name, "Count", "Reason", "mismatch", { label = "Mismatch" }],
      ] },
      { title = "Time of a call, p99", metrics = [
        ["AWS/Lambda", "Duration", "FunctionName", local.functions.challenges, { stat = "p99" }],
        ["AWS/Lambda", "Duration", "FunctionName", local.functions.post_auth, { stat = "p99" }],
      ] },
      { title = "Errors and throttles", metrics = [
        ["AWS/Lambda", "Errors", "FunctionName", local.functions.challenges],
        ["AWS/Lambda", "Throttles", "FunctionName", local.functions.challenges],
        ["AWS/Lambda", "Errors", "FunctionName", local.functions.post_auth],
        ["AWS/Lambda", "Throttles", "FunctionName", local.functions.post_auth],
      ] },
      { title = "Texts this month, USD", metrics = [["AWS/SNS", "SMSMonthToDateSpentUSD", { stat = "Maximum", period = 3600 }]] },
      ] : {
      type       = "metric"
      x          = 8 * (i % 3)
      y          = 6 * floor(i / 3)
      width      = 8
      height     = 6
      properties = { title = graph.title, metrics = graph.metrics, region = local.region, period = 300, stat = "Sum" }
    }]
  })
}
