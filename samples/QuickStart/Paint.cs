using System.Numerics;

namespace QuickStart;

/// <summary>Colours as linear light, in which they can be added and averaged.</summary>
internal static class Paint
{
    public static Vector3 Rgb(int hex) => new(Linear(hex >> 16), Linear(hex >> 8 & 255), Linear(hex & 255));

    /// <summary>The byte that a screen shows as this much light, from 0 to 1.</summary>
    public static byte ToByte(float light, float noise)
    {
        float clipped = Math.Clamp(light, 0, 1);
        float encoded = clipped <= 0.0031308f ? 12.92f * clipped : 1.055f * MathF.Pow(clipped, 1 / 2.4f) - 0.055f;
        return (byte)Math.Clamp(MathF.Round(255 * (encoded + noise)), 0, 255);
    }

    private static float Linear(int value)
    {
        float encoded = value / 255f;
        return encoded <= 0.04045f ? encoded / 12.92f : MathF.Pow((encoded + 0.055f) / 1.055f, 2.4f);
    }
}
