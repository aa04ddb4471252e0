using System.Numerics;

namespace QuickStart;

/// <summary>Who and what stands on the pavement: people and street lamps.</summary>
internal static class Sidewalk
{
    private static readonly Vector3 Iron = Paint.Rgb(0x4a5257);
    private static readonly Vector3 LampGlass = Paint.Rgb(0xf4ecd0);
    private static readonly Vector3 Skin = Paint.Rgb(0xd8a583);
    private static readonly Vector3 Hair = Paint.Rgb(0x3a2a20);
    private static readonly Vector3 Jeans = Paint.Rgb(0x2c3d5c);
    private static readonly Vector3 Coat = Paint.Rgb(0xd08a1e);
    private static readonly Vector3 Dress = Paint.Rgb(0xb03a5b);

    /// <summary>A lamp on a post, with an arm over the road; <paramref name="reach"/> is negative to the left.</summary>
    public static Shape Lamp(Vector3 origin, float reach)
    {
        const float height = 6.2f, half = 0.11f;
        Vector3? Outline(Vector2 at)
        {
            float arm = at.X / reach;
            bool post = MathF.Abs(at.X) < half * (at.Y < 1 ? 1.5f : 1) && at.Y < height;
            bool bar = arm is > 0 and < 1 && MathF.Abs(at.Y - height + 0.1f - 0.25f * arm) < (arm > 0.6f ? 0.16f : 0.09f);
            return post || bar ? Vector3.Normalize(new Vector3(at.X / half * 0.6f, 0.2f, -1)) : null;
        }

        Surface surface = (in Touch touch) => touch.At.X / reach > 0.6f ? LampGlass : Iron;
        return new Cutout(StreetClass.Pole, origin, height / 2, height / 2 + 1, surface, Outline);
    }

    /// <summary>A person: in a coat and jeans, or (the outline shows it) in a dress.</summary>
    public static Shape Person(Vector3 origin, float height, bool dressed, SplitMix64 random)
    {
        float stride = random.Between(0.03f, 0.1f);
        Vector3? Outline(Vector2 at)
        {
            float x = MathF.Abs(at.X), y = at.Y / height;
            float half = y switch
            {
                > 1 => -1,
                > 0.86f => 0.12f * MathF.Sqrt(MathF.Max(0, 1 - MathF.Pow((y - 0.93f) / 0.07f, 2))),
                > 0.83f => 0.06f,
                > 0.48f => 0.25f - 0.05f * MathF.Abs(y - 0.7f) / 0.2f,
                > 0.25f when dressed => 0.2f + 0.5f * (0.48f - y),
                _ => -1,
            };
            bool leg = y < 0.48f && MathF.Abs(x - 0.1f - stride * (0.48f - y)) < 0.085f;
            if (x > half && !leg)
                return null;
            return Vector3.Normalize(new Vector3(at.X / 0.25f, 0.15f, -0.8f));
        }

        Surface surface = (in Touch touch) => (touch.At.Y / height) switch
        {
            > 0.955f => Hair,
            > 0.83f => Skin,
            > 0.48f => dressed ? Dress : Coat,
            > 0.25f when dressed => Dress,
            _ => dressed ? Skin : Jeans,
        };
        return new Cutout(StreetClass.Person, origin, height / 2, height / 2 + 0.1f, surface, Outline);
    }
}
