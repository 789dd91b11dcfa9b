module github.com/cyber-eternal/customauth/client

go 1.26.0

require (
	filippo.io/bigmod v0.1.0
	github.com/aws/aws-lambda-go v1.55.1
	github.com/aws/aws-sdk-go-v2 v1.47.7
	github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider v1.61.0
	github.com/aws/smithy-go v1.28.8
	github.com/cyber-eternal/customauth v0.1.0
	github.com/google/go-cmp v0.7.0
	golang.org/x/term v0.48.0
)

require (
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/sns v1.47.9 // indirect
	golang.org/x/sys v0.50.0 // indirect
)

replace github.com/cyber-eternal/customauth => ../
