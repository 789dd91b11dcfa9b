module github.com/cyber-eternal/customauth/examples/cdk/lambda

go 1.26

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/aws/aws-sdk-go-v2 v1.47.7
	github.com/cyber-eternal/customauth v0.1.0
	github.com/cyber-eternal/customauth/dynamodbstore v0.1.0
	github.com/cyber-eternal/customauth/postauth v0.1.0
	github.com/cyber-eternal/customauth/smsguard v0.1.0
	github.com/google/go-cmp v0.7.0
)

require github.com/aws/aws-sdk-go-v2/service/secretsmanager v1.49.0 // indirect

require (
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider v1.61.0
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.68.0
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.24 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/endpoint-discovery v1.13.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/sns v1.47.9 // indirect
	github.com/aws/smithy-go v1.28.8 // indirect
	github.com/cyber-eternal/customauth/secretskeys v0.1.0
)

replace (
	github.com/cyber-eternal/customauth => ../../..
	github.com/cyber-eternal/customauth/dynamodbstore => ../../../dynamodbstore
	github.com/cyber-eternal/customauth/postauth => ../../../postauth
	github.com/cyber-eternal/customauth/secretskeys => ../../../secretskeys
	github.com/cyber-eternal/customauth/smsguard => ../../../smsguard
)
