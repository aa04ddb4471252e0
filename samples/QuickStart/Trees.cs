using System.Numerics;

namespace QuickStart;

/// <summary>What grows in the street: trees with a crown of leaf clusters, and hedges.</summary>
internal static class Trees
{
    private static readonly Vector3 Bark = Paint.Rgb(0x5d4a38);
    private static readonly Vector3 LeafInLight = Paint.Rgb(0x8fae42);
    private static readonly Vector3 LeafInShade = Paint.Rgb(0x2f4f22);

    public static Shape Tree(Vector3 origin, float size, SplitMix64 random)
    {
        int seed = (int)(random.Next() * 1e6f);
        float stem = 0.55f * size + 0.9f, radius = 0.36f * size + 0.2f;
        var heart = new Vector2(0, stem + 0.75f * radius);
        var clumps = new Vector3[6];
        for (int i = 0; i < clumps.Length; i++)
        {
            float angle = MathF.Tau * (i + random.Between(-0.3f, 0.3f)) / clumps.Length;
            float away = radius * random.Between(0.45f, 0.65f);
            clumps[i] = new Vector3(
                heart.X + away * MathF.Cos(angle), heart.Y + 0.85f * away * MathF.Sin(angle), radius * random.Between(0.42f, 0.6f));
        }

        Vector3? Outline(Vector2 at)
        {
            Vector2 offset = at - heart;
            if (offset.LengthSquared() < 1.7f * radius * radius)
            {
                float rag = 0.45f * (Noise.Smooth(at.X * 2.6f, at.Y * 2.6f, seed) - 0.5f);
                float best = 1 - offset.Length() / (0.7f * radius);
                Vector2 nearest = offset / radius;
                foreach (Vector3 clump in clumps)
                {
                    Vector2 from = (at - new Vector2(clump.X, clump.Y)) / clump.Z;
                    float inside = 1 - from.Length();
                    if (inside > best)
                        (best, nearest) = (inside, from);
                }
                if (best + rag > 0)
                    return Round(0.55f * nearest + 0.6f * offset / radius);
            }
            float trunk = 0.055f * size * (1.3f - 0.5f * at.Y / stem);
            return at.Y < stem + 0.3f * radius && MathF.Abs(at.X) < trunk ? Round(new Vector2(at.X / trunk, 0)) : null;
        }

        Surface surface = (in Touch touch) =>
        {
            var at = new Vector2(touch.At.X, touch.At.Y);
            bool trunk = at.Y < heart.Y - 0.55f * radius && MathF.Abs(at.X) < 0.08f * size;
            return trunk ? Bark * (0.7f + 0.6f * Noise.Smooth(at.X * 14, at.Y * 3, seed)) : Leaves(at.X, at.Y, seed);
        };
        float top = heart.Y + 1.3f * radius;
        return new Cutout(StreetClass.Tree, origin, top / 2, MathF.Max(top / 2, 1.3f * radius) * 1.1f, surface, Outline);
    }

    public static Shape Hedge(Vector3 origin, float slope, float halfLength, float height, SplitMix64 random)
    {
        int seed = (int)(random.Next() * 1e6f);
        Surface surface = (in Touch touch) => Leaves(touch.At.X + touch.At.Z, touch.At.Y, seed);
        float reach = new Vector3(0.4f, height / 2, halfLength).Length();
        return new Solid(StreetClass.Tree, origin, slope, height / 2, reach, surface, Solid.Box(0.4f, 0, height, halfLength));
    }

    /// <summary>Light and dark clusters, and single leaves in them.</summary>
    private static Vector3 Leaves(float x, float y, int seed)
    {
        float cluster = Noise.Smooth(x * 1.7f, y * 1.9f, seed + 1);
        float leaf = Noise.Fractal(x * 4.5f, y * 4.5f, 2, seed + 2);
        return Vector3.Lerp(LeafInShade, LeafInLight, Math.Clamp(0.5f + 1.0f * (cluster - 0.5f) + 1.5f * (leaf - 0.5f), 0, 1));
    }

    /// <summary>The normal of a ball at a point of its disc, towards the viewer.</summary>
    private static Vector3 Round(Vector2 at)
    {
        float length = MathF.Min(at.LengthSquared(), 0.95f);
        return Vector3.Normalize(new Vector3(at, -MathF.Sqrt(1 - length)));
    }
}
