//! Hooks of a rollout: webhooks, commands and Kubernetes.
