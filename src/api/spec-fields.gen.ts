// GENERATED from crds/protectedmcpservers.yaml by `npm run generate`. Do not edit.
// What this version knows of a ProtectedMcpServer.
import type { KnownField } from './known-field.ts';

export const SPEC: KnownField = {
  "fields": {
    "replicas": {},
    "server": {
      "fields": {
        "image": {},
        "port": {},
        "path": {},
        "forwardHeaders": {
          "items": {}
        },
        "maxConcurrentRequests": {},
        "command": {
          "items": {}
        },
        "args": {
          "items": {}
        },
        "env": {
          "items": {
            "fields": {
              "name": {},
              "value": {},
              "valueFrom": {
                "fields": {
                  "configMapKeyRef": {
                    "fields": {
                      "name": {},
                      "key": {},
                      "optional": {}
                    }
                  },
                  "secretKeyRef": {
                    "fields": {
                      "name": {},
                      "key": {},
                      "optional": {}
                    }
                  },
                  "fieldRef": {
                    "fields": {
                      "apiVersion": {},
                      "fieldPath": {}
                    }
                  },
                  "resourceFieldRef": {
                    "fields": {
                      "containerName": {},
                      "resource": {},
                      "divisor": {}
                    }
                  }
                }
              }
            }
          }
        },
        "envFrom": {
          "items": {
            "fields": {
              "prefix": {},
              "configMapRef": {
                "fields": {
                  "name": {},
                  "optional": {}
                }
              },
              "secretRef": {
                "fields": {
                  "name": {},
                  "optional": {}
                }
              }
            }
          }
        },
        "resources": {
          "fields": {
            "requests": {
              "values": {}
            },
            "limits": {
              "values": {}
            }
          }
        },
        "securityContext": {},
        "volumeMounts": {
          "items": {
            "fields": {
              "name": {},
              "mountPath": {},
              "subPath": {},
              "subPathExpr": {},
              "readOnly": {},
              "recursiveReadOnly": {
                "enum": [
                  "Disabled",
                  "IfPossible",
                  "Enabled"
                ]
              },
              "mountPropagation": {
                "enum": [
                  "None",
                  "HostToContainer",
                  "Bidirectional"
                ]
              }
            }
          }
        },
        "livenessProbe": {},
        "readinessProbe": {},
        "startupProbe": {}
      }
    },
    "podTemplate": {
      "fields": {
        "labels": {
          "values": {}
        },
        "annotations": {
          "values": {}
        },
        "volumes": {
          "items": {}
        },
        "nodeSelector": {
          "values": {}
        },
        "tolerations": {
          "items": {
            "fields": {
              "key": {},
              "operator": {
                "enum": [
                  "Exists",
                  "Equal",
                  "Lt",
                  "Gt"
                ]
              },
              "value": {},
              "effect": {
                "enum": [
                  "",
                  "NoSchedule",
                  "PreferNoSchedule",
                  "NoExecute"
                ]
              },
              "tolerationSeconds": {}
            }
          }
        },
        "affinity": {},
        "topologySpreadConstraints": {
          "items": {}
        },
        "serviceAccountName": {},
        "imagePullSecrets": {
          "items": {
            "fields": {
              "name": {}
            }
          }
        }
      }
    },
    "protectedResourceMetadata": {
      "fields": {
        "resource": {},
        "resourceName": {},
        "resourceDocumentation": {},
        "resourcePolicyUri": {},
        "resourceTosUri": {},
        "localized": {
          "items": {
            "fields": {
              "language": {},
              "resourceName": {},
              "resourceDocumentation": {},
              "resourcePolicyUri": {},
              "resourceTosUri": {}
            }
          }
        },
        "rootDocument": {
          "enum": [
            "Alias",
            "Origin",
            "Off"
          ]
        },
        "signedMetadata": {
          "fields": {
            "secretRef": {
              "fields": {
                "name": {},
                "key": {}
              }
            }
          }
        },
        "scopesSupported": {
          "items": {}
        }
      }
    },
    "authentication": {
      "fields": {
        "issuers": {
          "items": {
            "fields": {
              "issuer": {},
              "audiences": {
                "items": {}
              },
              "audiencePolicy": {
                "enum": [
                  "Any",
                  "Sole"
                ]
              },
              "algorithms": {
                "items": {
                  "enum": [
                    "RS256",
                    "RS384",
                    "RS512",
                    "PS256",
                    "PS384",
                    "PS512",
                    "ES256",
                    "ES384",
                    "ES512",
                    "EdDSA",
                    "Ed25519"
                  ]
                }
              },
              "tokenProfile": {
                "enum": [
                  "Compat",
                  "Strict"
                ]
              },
              "jwks": {
                "fields": {
                  "uri": {},
                  "caBundleRef": {
                    "fields": {
                      "kind": {
                        "enum": [
                          "ConfigMap",
                          "Secret"
                        ]
                      },
                      "name": {},
                      "key": {}
                    }
                  }
                }
              },
              "introspection": {
                "fields": {
                  "endpoint": {},
                  "clientSecretRef": {
                    "fields": {
                      "name": {}
                    }
                  }
                }
              }
            }
          }
        },
        "dpop": {
          "fields": {
            "mode": {
              "enum": [
                "Off",
                "Accept",
                "Require"
              ]
            },
            "proofLifetime": {},
            "nonces": {
              "enum": [
                "Off",
                "Required"
              ]
            }
          }
        },
        "clientCertificates": {
          "fields": {
            "mode": {
              "enum": [
                "Off",
                "Accept",
                "Require"
              ]
            }
          }
        },
        "clockSkew": {},
        "claimToHeaders": {
          "items": {
            "fields": {
              "claim": {},
              "header": {}
            }
          }
        },
        "forwardOriginalToken": {},
        "identityAssertion": {
          "fields": {
            "header": {},
            "secretRef": {
              "fields": {
                "name": {},
                "key": {}
              }
            }
          }
        },
        "failureLimit": {
          "fields": {
            "perMinute": {}
          }
        }
      }
    },
    "authorization": {
      "fields": {
        "requiredScopes": {
          "items": {}
        },
        "scopeHierarchy": {
          "items": {
            "fields": {
              "scope": {},
              "includes": {
                "items": {}
              }
            }
          }
        },
        "stepUpScopes": {
          "enum": [
            "Operation",
            "IncludeGranted"
          ]
        },
        "initialScopes": {
          "enum": [
            "Baseline",
            "All"
          ]
        }
      }
    },
    "compatibility": {
      "fields": {
        "mirrorAuthorizationServerMetadata": {}
      }
    },
    "tls": {
      "fields": {
        "secretName": {},
        "issuerRef": {
          "fields": {
            "kind": {
              "enum": [
                "Issuer",
                "ClusterIssuer"
              ]
            },
            "name": {}
          }
        }
      }
    },
    "transport": {
      "fields": {
        "maxMessageBytes": {},
        "messageChecks": {
          "enum": [
            "Enforced",
            "Off"
          ]
        },
        "unknownSessions": {
          "enum": [
            "NotFound",
            "TrustOnFirstUse"
          ]
        },
        "eventStreamKeepAlive": {},
        "callGrace": {},
        "maxStream": {}
      }
    },
    "network": {
      "fields": {
        "allowedOrigins": {
          "items": {}
        },
        "isolation": {
          "enum": [
            "NetworkPolicy",
            "None"
          ]
        },
        "ingressFrom": {
          "items": {
            "fields": {
              "ipBlock": {
                "fields": {
                  "cidr": {},
                  "except": {
                    "items": {}
                  }
                }
              },
              "namespaceSelector": {
                "fields": {
                  "matchLabels": {
                    "values": {}
                  },
                  "matchExpressions": {
                    "items": {
                      "fields": {
                        "key": {},
                        "operator": {
                          "enum": [
                            "In",
                            "NotIn",
                            "Exists",
                            "DoesNotExist"
                          ]
                        },
                        "values": {
                          "items": {}
                        }
                      }
                    }
                  }
                }
              },
              "podSelector": {
                "fields": {
                  "matchLabels": {
                    "values": {}
                  },
                  "matchExpressions": {
                    "items": {
                      "fields": {
                        "key": {},
                        "operator": {
                          "enum": [
                            "In",
                            "NotIn",
                            "Exists",
                            "DoesNotExist"
                          ]
                        },
                        "values": {
                          "items": {}
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    },
    "service": {
      "fields": {
        "type": {
          "enum": [
            "ClusterIP",
            "NodePort",
            "LoadBalancer"
          ]
        },
        "annotations": {
          "values": {}
        }
      }
    },
    "sidecar": {
      "fields": {
        "image": {},
        "resources": {
          "fields": {
            "requests": {
              "values": {}
            },
            "limits": {
              "values": {}
            }
          }
        },
        "logLevel": {
          "enum": [
            "debug",
            "info",
            "warn",
            "error"
          ]
        }
      }
    }
  }
};
