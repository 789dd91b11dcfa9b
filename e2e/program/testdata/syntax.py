def lambda_handler(event
