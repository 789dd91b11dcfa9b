variable "name" {
  description = "What the names of all resources begin with."
  type        = string
  default     = "customauth"
}

variable "countries" {
  description = "The countries that texts may go to, as ISO 3166 codes."
  type        = list(string)
  validation {
    condition     = length(var.countries) > 0 && alltrue([for c in var.countries : can(regex("^[A-Z]{2}$", c))])
    error_message = "Name countries by codes such as \"DE\" and \"AT\"."
  }
}

variable "user_pool_id" {
  description = "A user pool that exists. Without it, one is made."
  type        = string
  default     = null
}

variable "production" {
  description = "For a pool that has real users: see README.md."
  type        = bool
  default     = false
}

variable "plan" {
  description = "Cognito's feature plan: ESSENTIALS, or PLUS, which has threat protection."
  type        = string
  default     = "ESSENTIALS"
  validation {
    condition     = contains(["ESSENTIALS", "PLUS"], var.plan)
    error_message = "The plan is ESSENTIALS or PLUS."
  }
}

variable "sender_id" {
  description = "Sender ID of the texts, 3 to 11 letters and digits, where the country allows one."
  type        = string
  default     = null
}

variable "origination_number" {
  description = "A phone number of the account, in E.164 form, that texts are sent from."
  type        = string
  default     = null
}

variable "spend_alarm" {
  description = "What texts may cost in a month, in USD, before an alarm goes off."
  type        = number
  default     = 50
}

variable "alarm_email" {
  description = "Who gets the alarms by e-mail, and has to confirm that once."
  type        = string
  default     = null
}
