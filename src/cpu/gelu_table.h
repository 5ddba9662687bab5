// Tables of both forms of GELU. y = x F(x), F the distribution function that a form has, which is 1/2 plus an
// odd function M: y = x / 2 + |x| M(|x|).
//
// M in 16 pieces of 3/8, around 0, 3/8, 6/8...: in each the minimax polynomial of degree 5 of the distance
// from its middle (of the first, where M(0) = 0, without a constant term and relative to the distance).
// From 14.5 pieces on M is 1/2, and y is exactly x or 0. With rounding y is within 8.4e-8 |x| of the true
// value, and within 9.1e-8 of y for positive x.
#pragma once

namespace lathe::gelu_table {
namespace {

constexpr int kPieces = 16;
constexpr int kTerms = 6;
constexpr float kPieceLength = 0.375f;
constexpr float kPiecesPerUnit = 0x1.555556p+1f;
constexpr float kLastMiddle = 15 * kPieceLength;
/// Added to a number, it leaves the nearest integer in the low bits.
constexpr float kRound = 0x1.8p23f;

/// By power, the highest first.
struct Coefficients {
  float terms[kTerms][kPieces];
};

/// F(x) = (1 + erf(x / sqrt(2))) / 2.
constexpr Coefficients kExact = {{
    {0x1.411f2ap-7f, 0x1.b6e088p-8f, -0x1.022f7ep-13f, -0x1.565cb8p-8f, -0x1.7e0e02p-8f, -0x1.aea662p-9f,
     -0x1.f79696p-12f, 0x1.f398dep-11f, 0x1.20e2eap-10f, 0x1.79a304p-11f, 0x1.68c944p-12f, 0x1.0f3188p-13f,
     0x1.4b7f2cp-15f, 0x1.4f784p-17f, 0x1.1c37dp-19f, 0.0f},
    {0x1.41c31ep-15f, 0x1.0dee7cp-6f, 0x1.753426p-6f, 0x1.1917b6p-6f, 0x1.901f86p-8f, -0x1.61954ap-9f,
     -0x1.8ec88ep-8f, -0x1.61d102p-8f, -0x1.b46bbcp-9f, -0x1.a17e78p-10f, -0x1.4332cp-11f, -0x1.9dc25p-13f,
     -0x1.bb8f3cp-15f, -0x1.91730ap-17f, -0x1.347b82p-19f, 0.0f},
    {-0x1.105b4ap-4f, -0x1.b44d54p-5f, -0x1.67c45ap-6f, 0x1.335286p-7f, 0x1.ba12cap-6f, 0x1.d883f2p-6f,
     0x1.601ad6p-6f, 0x1.995b36p-7f, 0x1.8344dap-8f, 0x1.306a2ap-9f, 0x1.926fa8p-11f, 0x1.c2cap-13f,
     0x1.ae0edep-15f, 0x1.5eb56ep-17f, 0x1.ea451ep-20f, 0.0f},
    {0x1.40e036p-24f, -0x1.1d93c8p-4f, -0x1.ce89dap-4f, -0x1.e828fcp-4f, -0x1.8de14p-4f, -0x1.0824acp-4f,
     -0x1.2484aep-5f, -0x1.119fccp-6f, -0x1.b3a9dcp-8f, -0x1.289ddp-9f, -0x1.5a914p-11f, -0x1.5c46e8p-13f,
     -0x1.2d8d6ap-15f, -0x1.c2829p-18f, -0x1.22a01p-20f, 0.0f},
    {0x1.988454p-2f, 0x1.7cc794p-2f, 0x1.345d6p-2f, 0x1.b1ec62p-3f, 0x1.094086p-3f, 0x1.19bfa4p-4f,
     0x1.0402dep-5f, 0x1.a0f228p-7f, 0x1.227212p-8f, 0x1.5f90f8p-10f, 0x1.71b94p-12f, 0x1.51cfd6p-14f,
     0x1.0c29fcp-16f, 0x1.71e664p-19f, 0x1.bb4c8cp-22f, 0.0f},
    {0.0f, 0x1.2b5b0ep-3f, 0x1.17efp-2f, 0x1.7a9412p-2f, 0x1.bb96e4p-2f, 0x1.e0dfc6p-2f, 0x1.f37b6ep-2f,
     0x1.fb9046p-2f, 0x1.fe9e22p-2f, 0x1.ff9f4p-2f, 0x1.ffe8d2p-2f, 0x1.fffb24p-2f, 0x1.ffff1cp-2f,
     0x1.ffffdcp-2f, 0x1.fffffap-2f, 0x1p-1f},
}};

/// F(x) = (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
constexpr Coefficients kTanhForm = {{
    {0x1.48532ep-7f, 0x1.bb74c2p-8f, -0x1.6905a4p-12f, -0x1.628066p-8f, -0x1.74586ap-8f, -0x1.92d23ep-9f,
     -0x1.02847cp-11f, 0x1.b13aap-11f, 0x1.130d12p-10f, 0x1.86dffcp-11f, 0x1.882f1ep-12f, 0x1.1ffa4p-13f,
     0x1.353b2p-15f, 0x1.e0718ep-18f, 0x1.0a3e2ap-20f, 0.0f},
    {0x1.50eb2ap-15f, 0x1.133062p-6f, 0x1.77ecdp-6f, 0x1.14549p-6f, 0x1.7ac246p-8f, -0x1.572d86p-9f,
     -0x1.7c8a32p-8f, -0x1.5a89b4p-8f, -0x1.bdf3b2p-9f, -0x1.b87eap-10f, -0x1.515068p-11f, -0x1.8c0fcap-13f,
     -0x1.5e6f9ep-15f, -0x1.caa7e4p-18f, -0x1.b39edep-21f, 0.0f},
    {-0x1.11b484p-4f, -0x1.b4ae66p-5f, -0x1.613834p-6f, 0x1.3d0972p-7f, 0x1.b5d5a2p-6f, 0x1.d0f6cp-6f,
     0x1.5df9a4p-6f, 0x1.9fadbep-7f, 0x1.906fcep-8f, 0x1.382f0cp-9f, 0x1.83e406p-11f, 0x1.783e12p-13f,
     0x1.16ba2ap-15f, 0x1.34943cp-18f, 0x1.f3944p-22f, 0.0f},
    {0x1.500158p-24f, -0x1.1ea2dp-4f, -0x1.ceb0fep-4f, -0x1.e66e3cp-4f, -0x1.8c0b04p-4f, -0x1.08363p-4f,
     -0x1.279caap-5f, -0x1.16d0e8p-6f, -0x1.b82acp-8f, -0x1.1e3bbap-9f, -0x1.2c749cp-11f, -0x1.f1c90ep-14f,
     -0x1.3e0f5ap-16f, -0x1.3273aap-19f, -0x1.b35078p-23f, 0.0f},
    {0x1.988454p-2f, 0x1.7ca8dp-2f, 0x1.341904p-2f, 0x1.b1b33ap-3f, 0x1.09c7aep-3f, 0x1.1b86dcp-4f,
     0x1.06289ap-5f, 0x1.a03e62p-7f, 0x1.178bfp-8f, 0x1.37b01ap-10f, 0x1.1a5e4cp-12f, 0x1.9671c8p-15f,
     0x1.c650ap-18f, 0x1.817f96p-21f, 0x1.e58abp-25f, 0.0f},
    {0.0f, 0x1.2b52dp-3f, 0x1.17d6e8p-2f, 0x1.7a66e6p-2f, 0x1.bb70dcp-2f, 0x1.e0debp-2f, 0x1.f39edp-2f,
     0x1.fbbf16p-2f, 0x1.fec228p-2f, 0x1.ffb2b6p-2f, 0x1.fff0acp-2f, 0x1.fffd94p-2f, 0x1.ffffb4p-2f,
     0x1.fffff8p-2f, 0x1p-1f, 0x1p-1f},
}};

}  // namespace
}  // namespace lathe::gelu_table
