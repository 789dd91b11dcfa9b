// Package deploytest has the tests that hold examples/cdk, examples/terraform and
// examples/sam together: each deploys the same system. They read the template that
// the CDK makes, the Terraform files and the SAM template, and compare what the
// functions may do, how they are set up and called, the pool, the app client, the
// keys and the table. And each pool is made, in this process, and attacked.
package deploytest
