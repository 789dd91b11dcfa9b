module github.com/cyber-eternal/customauth/secretskeys

go 1.26

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/aws/aws-sdk-go-v2 v1.47.7
	// From v1.50.0 on, this module describes all of its operations whenever a process
	// starts, which costs a cold start. See docs/benchmarks.md before raising it.
	github.com/aws/aws-sdk-go-v2/service/secretsmanager v1.49.0
	github.com/cyber-eternal/customauth v0.1.0
	github.com/google/go-cmp v0.7.0
)

require (
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/sns v1.47.9 // indirect
	github.com/aws/smithy-go v1.28.8 // indirect
)

replace github.com/cyber-eternal/customauth => ../
