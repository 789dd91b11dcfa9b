output "user_pool_id" {
  value = local.pool_id
}

output "client_id" {
  value = aws_cognito_user_pool_client.app.id
}

output "region" {
  value = local.region
}

# Where the alarms go: subscribe whoever has to get them.
output "alarm_topic" {
  value = var.production ? aws_sns_topic.alarms[0].arn : null
}

# What a pool that exists has to name as its triggers.
output "triggers" {
  value = {
    PreSignUp                   = aws_lambda_function.challenges.arn
    DefineAuthChallenge         = aws_lambda_function.challenges.arn
    CreateAuthChallenge         = aws_lambda_function.challenges.arn
    VerifyAuthChallengeResponse = aws_lambda_function.challenges.arn
    PostAuthentication          = aws_lambda_function.post_auth.arn
  }
}
