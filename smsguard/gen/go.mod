module github.com/cyber-eternal/customauth/smsguard/gen

go 1.26

require (
	github.com/cyber-eternal/customauth/smsguard v0.1.0
	github.com/google/go-cmp v0.7.0
	github.com/nyaruka/phonenumbers v1.8.1
)

require (
	golang.org/x/text v0.23.0 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)

replace (
	github.com/cyber-eternal/customauth => ../..
	github.com/cyber-eternal/customauth/smsguard => ..
)
